#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Repair failing Plex metadata agents in a loop: find, patch, test, keep or undo.

Reads:   the server's logs and plug-ins, its HTTP API, what earlier runs learned
Writes:  a run directory runs/<UTC time>/ with run_manifest.md, loop_state.json,
         loop.log, lessons_learned.md and .json, and what the phases write
Changes: through implement_fix.py one bundle at a time, always with a backup;
         nothing with --dry-run or --check; never needs root; never the database

Usage:
  loop_coordinator.py [options]          a whole session on this server
  loop_coordinator.py --demo             on a simulated Plex, under a minute

Examples:
  loop_coordinator.py --demo
  loop_coordinator.py --check                  # what is found here, what is not
  loop_coordinator.py --dry-run                # diagnose, show the best patch
  loop_coordinator.py --iterations 3 --quiet   # a nightly cycle from cron

Exit codes:
  0 the cycle ended in order, whatever it decided   1 a bug   2 usage
  4 no Plex here   5 refused as unsafe   75 another run holds the lock
  130 interrupted
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import errno
import io
import os
import re
import sys
import time

try:
    import aggregate_plex_logs as logs
except ImportError as missing:
    if 'aggregate_plex_logs' not in str(missing):
        raise
    sys.stderr.write('%s: aggregate_plex_logs.py must lie beside it; copy the whole folder\n'
                     % os.path.basename(sys.argv[0]))
    sys.exit(4)
from aggregate_plex_logs import (BUG, DONE, INCOMPLETE, INTERRUPTED, LOCKED, NEGATIVE, NO_ENVIRONMENT, UNSAFE, Problem,
                                 add_shared_options, on_signals, parser_for, read_json, run_script, say, seconds_now,
                                 utc_text, warn, write_file, write_json)

import six

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
STATE_SCHEMA = 1
LESSONS_SCHEMA = 1
STANDING = ('decision', 'success_percent', 'measured', 'weak_evidence', 'time')    # of a verdict, until a newer one
OWN_ROW = {                         # types in a row of the state, for logs.fits(), beside those that the history has
    'pattern': logs.STRING, 'time': logs.STRING, 'home_run': logs.STRING, 'home_iteration': int, 'measured': int,
    'iteration': int, 'agent?': logs.STRING, 'reason': logs.STRING,
    'retest': bool, 'was?': dict, 'cured?': int, 'outage?': [logs.STRING]}
IN_PLACE = ('id', 'agent', 'summary', 'decision', 'success_percent', 'measured', 'home_run', 'still_there', 'by_hand',
            'to_undo', 'unclear')
ENOUGH_KEEPS = 3                    # so many in a row, each on few items, are no weak evidence any more
UNDECIDED_CYCLES = 3                # DESIGN: after three undecided cycles a MONITOR is also listed as needing a person
PERSON_CLASSES = ('code', 'environment', 'platform')      # what stays unpatched and does not pass by itself
RUN_NAME = logs.RUN_NAME
VERDICTS = ('KEEP', 'MONITOR', 'ROLLBACK')
MOST_EARLIER = 9                    # so many aggregates are looked at for what was rotated away since
PLATEAU = 3                         # so many new fixes in a row that gained nothing
HARDLY = 20                         # percent of success that are hardly worth the refreshes
UNUSED_TOKEN = 'UNUSED_PLEX_TOKEN'    # what PLEX_TOKEN held where --token-file takes its place: also to be hidden
AT_HOME = ('plex_home',)             # which options about places a phase takes
ANYWHERE = ('plex_home', 'plex_url', 'token_file', 'python27')
EXIT_WORDS = {                       # what a number in loop.log means; the rest is the phase's own sentence
    INCOMPLETE: ' (incomplete or undecided)', UNSAFE: ' (refused, nothing written)', NEGATIVE: ' (the answer is no)'}
# A phase starts as by hand, but imports its script: what is imported is compiled once, what is started each time anew
START = ('import os, sys; del sys.argv[0]; sys.path[0], name = os.path.split(sys.argv[0]); '
         'sys.exit(__import__(os.path.splitext(name)[0]).main())')
PHASE_LIMIT = {                     # seconds after which a phase is taken for hung; the tests wait on a slow server
    'aggregate_plex_logs.py': 1800, 'diagnose_from_report.py': 900, 'implement_fix.py': 900,
    'test_fix_actively.py': 4 * 3600, 'compare_metrics.py': 300, 'parse_test_report.py': 60}


# ------------------------------------------------------------------------------------------------------------- the lock
class Lock(object):
    """A kernel lock on runs/.lock: released by the kernel also after kill -9. Problem 75 names the holder."""

    def __init__(self, runs):
        self.path = os.path.join(runs, '.lock')

    def __enter__(self):
        self.handle = io.open(self.path, 'a+', encoding='utf-8')
        try:
            if os.name == 'nt':
                import msvcrt
                msvcrt.locking(self.handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (IOError, OSError) as problem:
            if problem.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                raise Problem('%s cannot be locked (%s); keep run directories on a local disk, with --runs'
                              % (self.path, problem.strerror), NO_ENVIRONMENT)
            self.handle.seek(0)
            holder = self.handle.read().strip() or 'another process'
            self.handle.close()
            raise Problem('another run holds the lock (%s); wait for it to end' % holder, LOCKED)
        try:
            self.handle.truncate(0)
            os.write(self.handle.fileno(), logs.to_bytes('process %d since %s\n' % (os.getpid(), utc_text())))
        except (IOError, OSError):                  # a full disk: it is held all the same, and what follows says so
            pass
        return self

    def __exit__(self, *_):
        self.handle.close()


# ----------------------------------------------------------------------------------------------------- running a phase
class PhaseFailed(Exception):
    """A phase ended in a way that the loop cannot go on from; .code is its exit code, .sentence what it said."""

    def __init__(self, script, code, sentence):
        Exception.__init__(self, sentence)
        self.script, self.code, self.sentence = script, code, sentence

    def as_problem(self):
        """For a session that ends here and now."""
        return Problem('%s: %s' % (self.script, self.sentence or 'exit code %s' % self.code), self.code or BUG)


def run_limited(command, limit, more=None):
    """-> (exit code, stdout text, stderr text); after limit seconds the process is killed and the code is None.

    The output goes through files: a pipe that nobody reads while we wait would fill up and stop the phase, and 2.7's
    subprocess has no time-outs of its own. more: {name: value} for its environment.
    """
    import subprocess
    import tempfile
    environment = dict(os.environ, **dict((native(name), native(value)) for name, value in (more or {}).items()))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        held = HeldSignals()
        try:
            process = subprocess.Popen([native(word) for word in command], stdin=subprocess.PIPE, stdout=out,
                                       stderr=err, env=environment, preexec_fn=None if os.name == 'nt' else own_group)
        except BaseException:
            held.release()
            raise
        began = seconds_now()
        try:
            held.release()
            if held.heard:
                raise KeyboardInterrupt
            process.stdin.close()
            while process.poll() is None and seconds_now() < began + limit:
                time.sleep(min(.05, max(.005, (seconds_now() - began) / 20)))      # a twentieth later than it could be
            code = process.poll()
        finally:
            if process.poll() is None:
                interrupt(process)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(logs.to_text(stream.read()))
    return code, texts[0], texts[1]


class HeldSignals(object):
    """What would end this process waits while it starts another one, which would go on alone, unknown to us."""

    def __init__(self):
        import signal
        self.heard, self.handlers = [], []
        for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):       # not where it is ignored
                self.handlers.append((number, signal.signal(number, lambda number, frame: self.heard.append(number))))

    def release(self):
        import signal
        for number, handler in self.handlers:
            signal.signal(number, handler)


def own_group():
    """In the child: Ctrl-C on the terminal reaches the phase once, through us, and never in its clean-up."""
    import signal
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupt(process, patience=30):
    """Ask a phase to stop as Ctrl-C would (it rolls back what is half done), and kill it only when it does not."""
    import signal
    if os.name == 'nt':
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)
    deadline = seconds_now() + patience
    while process.poll() is None and seconds_now() < deadline:
        time.sleep(.05)
    if process.poll() is None:
        process.kill()
    process.wait()


def native(text):
    """Text as this Python wants it in argument lists and environments (2.7: bytes)."""
    return logs.to_bytes(text) if six.PY2 else text


# ------------------------------------------------------------------------------------------------------ the run's state
def new_run_dir(runs):
    """Make runs/<UTC time>/; two runs in one second wait for each other's second.

    Where the clock was set back since the newest run, the name goes on from that one: their order is what tells which
    verdict is the newest.
    """
    import datetime
    while True:
        name, shape = utc_text().replace(':', ''), '%Y-%m-%dT%H%M%SZ'
        newest = max([other for other in os.listdir(runs) if RUN_NAME.match(other)] or [''])
        if newest > name:
            try:
                name = (datetime.datetime.strptime(newest, shape) + datetime.timedelta(seconds=1)).strftime(shape)
            except (ValueError, OverflowError):         # a folder that somebody called so
                pass
        path = os.path.join(runs, name)
        try:
            os.mkdir(path)
            return path
        except OSError:
            if not os.path.isdir(path):
                raise
            time.sleep(.2)


def state_path(run_dir):
    return os.path.join(run_dir, 'loop_state.json')


def read_state(run_dir):
    return read_json(state_path(run_dir), STATE_SCHEMA, 'loop_coordinator.py')


def lessons_path(run_dir, suffix='.json'):
    return os.path.join(run_dir, 'lessons_learned' + suffix)


def read_lessons(path):
    """(refused, troubles) as a run wrote them, each empty where it cannot be read."""
    row = dict.fromkeys(('pattern', 'class', 'why'), logs.STRING)
    try:
        found = read_json(lessons_path(path), LESSONS_SCHEMA, 'loop_coordinator.py')
    except Problem:
        return [], []
    refused, troubles = found.get('refused'), found.get('troubles')
    return (refused if logs.fits(refused, [row]) and all({'agent', 'items', 'exception'} <= set(one) for one in refused)
            else [], troubles if logs.fits(troubles, [logs.STRING]) else [])


def earlier_runs(runs, run_dir):
    """Paths of the run directories before this one, oldest first."""
    names = [name for name in os.listdir(runs) if RUN_NAME.match(name) and name != os.path.basename(run_dir)]
    return [os.path.join(runs, name) for name in sorted(names) if os.path.isfile(state_path(os.path.join(runs, name)))]


def read_earlier(path):
    """-> (state or None, rows of fixes, sentences on what could not be read) of an earlier run, whatever became of it.

    The rows come from the lessons, else from the state, which holds the same ones until the lessons are written.
    """
    state, rows, sentences = None, [], []
    try:
        found = read_state(path)
        if 'ended' in found and is_rows(found.get('fixes')):
            state, rows = found, found['fixes']
        else:
            sentences.append('%s is damaged' % state_path(path))
    except Problem as problem:
        sentences.append(problem.sentence)
    if os.path.isfile(lessons_path(path)):
        try:
            found = read_json(lessons_path(path), LESSONS_SCHEMA, 'loop_coordinator.py').get('fixes')
            if is_rows(found):
                rows = found
            else:
                sentences.append('%s is damaged' % lessons_path(path))
        except Problem as problem:
            sentences.append(problem.sentence)
    return state, rows, [sentence + '; implement_fix.py --status tells what that run left in place'
                         for sentence in sentences]


def is_rows(rows):
    """Whether something that was read is a list of fixes as this script writes them."""
    from diagnose_from_report import HISTORY_ROW
    return logs.fits(rows, [dict(HISTORY_ROW, **OWN_ROW)]) and all(
        set(('template', 'agent') + STANDING) <= set(row) for row in rows)      # which may hold null


def latest_by_fix(rows):
    """{fix id: its newest row}; rows are oldest first."""
    return dict((row['id'], row) for row in rows)


def is_verdict(row):
    """Whether a row says something about its fix: it was measured, or it broke something; bad weather is no verdict."""
    return row['decision'] in VERDICTS and bool(row.get('evidence'))


def verdicts_of(rows):
    """The rows that the ranking learns from: verdicts, probes that ran, what a person took out, and fixes that no run
    could measure (any more). A fix that was kept once and is out, for whatever reason, is not among those that stand.
    """
    newest = latest_by_fix([row for row in rows if row['decision'] != 'NOT_TRIED'])
    times = dict((fix, unmeasured(rows, fix)) for fix in newest)

    def tells(row):
        return is_verdict(row) or row['decision'] in ('PROBED', 'UNDONE') or (
            row['decision'] == 'ROLLBACK' and times[row['id']] >= UNDECIDED_CYCLES)
    return [row for row in rows if tells(row) and newest[row['id']]['decision'] != 'GONE'
            and (row['decision'] not in ('KEEP', 'MONITOR') or newest[row['id']]['decision'] in ('KEEP', 'MONITOR')
                 or tells(newest[row['id']]))]


def unmeasured(rows, fix_id):
    """How many times in a row, the newest last, a fix was taken out without a verdict on it."""
    count = 0
    for row in rows:
        if row['id'] == fix_id:
            count = 0 if is_verdict(row) else count + (row['decision'] == 'ROLLBACK')
    return count


def to_retest(rows):
    """Rows of fixes that an earlier run left in place undecided (MONITOR) or on weak evidence, oldest first."""
    newest = latest_by_fix(rows)
    return sorted((row for row in newest.values()
                   if row['decision'] == 'MONITOR' or row['decision'] == 'KEEP' and row.get('weak_evidence')),
                  key=lambda row: (row['time'], row['id']))


def cycles(rows, fix_id, decision='MONITOR'):
    """How many verdicts in a row, the newest last, were this one for a fix; one that was only kept, as a test was
    broken off, is none.
    """
    count = 0
    for row in rows:
        if row['id'] == fix_id and not (row.get('was') and row['was'].get('time') == row['time']):
            count = count + 1 if row['decision'] == decision else 0
    return count


def untested(rows, fix_id):
    """How many times in a row, the newest last, a fix only kept the verdict that it had."""
    count = 0
    for row in rows:
        if row['id'] == fix_id:
            count = count + 1 if row.get('was') and row['was'].get('time') == row['time'] else 0
    return count


def whereabouts(row, places):
    """'in place', 'by hand' (so it is again, or without a verdict: a person has put it in), 'changed' (somebody else's
    version holds the fix), 'undone' (by --rollback) or 'gone'; None: its journal could not be read. places: {run: what
    fixes_in_place() gives}.
    """
    if row['home_run'] not in places:
        return None
    found = places[row['home_run']].get(row['id'], {})
    if found.get('state') == 'before' and found['ended'] == 'rolled back':
        return 'undone'
    if found.get('state') == 'after' and (found['ended'] == 'rolled back' or row['decision'] == 'NOT_TRIED' or (
            row['decision'] == 'ROLLBACK' and found['times'] > 1)):     # a run puts a fix in place once
        return 'by hand'
    return 'in place' if found.get('state') == 'after' else 'changed' if found.get('patch') == 'there' else 'gone'


# -------------------------------------------------------------------------------------------------------- pure choices
def choose_fix(diagnosis, settled, tried, only=None, failed=()):
    """-> (pattern, fix) of the first fix that may be tried, or None. The diagnosis lists both best first.

    settled: patterns that are to be left alone; tried: fix ids that this run used up; only: the one pattern to work
    on; failed: the pattern of each fix that this run has undone. Where the diagnosis is not sure of the place it
    offers a probe too, and that comes first: a fix at the wrong place costs as many refreshes. A person's own patch
    comes before both. A fix that the diagnosis itself does not believe in comes after those of all other patterns, as
    does what is left for a pattern that two were tried on in vain: each that is undone brings the loop nearer to its
    end.
    """
    rows = [(pattern, fix) for pattern in diagnosis['patterns']
            if pattern['pattern'] not in settled and only in (None, pattern['pattern'])
            for fix in sorted(pattern.get('fixes', ()), key=lambda fix: ('adopted', 'probe', 'fix').index(fix['kind']))
            if fix['id'] not in tried]
    rows.sort(key=lambda row: (list(failed).count(row[0]['pattern']) > 1, row[1]['kind'] == 'fix' and
                               row[1]['predicted']['success_percent'] < HARDLY))
    return rows[0] if rows else None


def goal_percent(diagnosis, fixes):
    """Share of the items hit by code defects that kept fixes now cover, weighed with their measured success; or None.

    diagnosis: the first one of the run, so that the measure does not move while the loop works. A second fix for a
    pattern covers its share of what the first one left; one that was there before the run began covers none of it.
    """
    code = [pattern for pattern in diagnosis['patterns'] if pattern['class'] == 'code']
    total = sum(pattern['items_total'] for pattern in code)
    if not total:
        return None
    left = dict((pattern['pattern'], 100) for pattern in code)          # percent
    for row in latest_by_fix(fixes).values():
        if row['decision'] == 'KEEP' and not row['retest'] and row['pattern'] in left:
            left[row['pattern']] *= (100 - (row['success_percent'] or 0)) / 100
    return 100 - sum(pattern['items_total'] * left[pattern['pattern']] for pattern in code) / total


def in_need_of_more(verdict):
    """How many items a fix brought further, or left as they were where it cured enough others for that to be no chance:
    they fail at another place, and the next fix may mend both. None of a fix that did harm: it is nothing to build on.
    """
    if verdict['broken'] or verdict['healthy_broken']:  # (a new error alone may be what they fail with now)
        return 0
    partly = not verdict['regressions'] and (verdict['success_percent'] or 0) >= HARDLY
    return verdict['further'] or (verdict['still_failing'] if partly else 0)


def gained_nothing(fixes):
    """How many of the newest fixes in a row were neither kept nor left in place, nor brought their items further."""
    from diagnose_from_report import brought_further
    count = 0
    for row in fixes:
        count = 0 if row['decision'] in ('KEEP', 'MONITOR') else count if brought_further(row) else count + 1
    return count


# --------------------------------------------------------------------------------------------------------- the session
class Session(object):
    """One run: owns the run directory, calls the phases, carries out the verdicts."""

    def __init__(self, options, run_dir, runs):
        self.options = options
        self.run_dir = run_dir
        self.reserve = os.path.join(run_dir, '.reserve')        # room for the undo when the disk runs full
        self.runs = runs
        self.began = seconds_now()
        self.earlier = earlier_runs(runs, run_dir)
        self.past = []                  # rows of earlier runs, oldest first
        self.put_off_patterns = set()   # patterns that could not be tested now
        self.shut_out = set()           # agents whose provider refuses more requests for today
        self.elsewhere = set()          # patterns that were logged outside the tests in which a provider was at fault
        self.probed = {}                # {pattern: iteration of the test that its probe ran in}
        self.adopted = False            # a person's patch was taken in
        self.troubles = []              # what went wrong in the run and is a person's business: sentences
        self.refused = []               # rows {pattern, agent, class, items, why} of what got no patch
        self.never_tried = []           # rows of fixes that a person put in and no run has tried
        self.state = {'run': os.path.basename(run_dir), 'phase': 'set-up', 'iteration': 0, 'fixes': [], 'ended': None,
                      'plex_home': options.plex_home and os.path.realpath(options.plex_home),
                      'goal': {'percent': options.goal, 'reached_percent': None}, 'started': utc_text()}

    # -- keeping track
    def note(self, event):
        """One line in loop.log; on a terminal also on stderr."""
        line = logs.for_people('%s %s\n' % (utc_text(), logs.redact(event).replace('\n', ' ')))
        path = os.path.join(self.run_dir, 'loop.log')
        try:
            with io.open(path, 'a', encoding='utf-8') as out:
                out.write(line)
        except (IOError, OSError) as problem:
            logs.name_file(problem, path)
            raise
        if sys.stderr.isatty() and not self.options.quiet:
            say('[%4d s] %s' % (seconds_now() - self.began, event), sys.stderr)

    def save(self, **changes):
        self.state.update(changes, updated=utc_text())
        write_json(state_path(self.run_dir), self.state, STATE_SCHEMA)

    def phase(self, script, *words, **how):
        """Run one script -> (exit code, stdout, last line of stderr); PhaseFailed for a code that is not among
        how['accept'] (only 0).

        how['where']: which of the options that tell where things are it takes; how['run_dir']: another run's directory.
        """
        from implement_fix import OF_A_RUN
        words = [six.text_type(word) for word in words]
        where = ['--run-dir', how.get('run_dir', self.run_dir)]
        for name in how.get('where', ()):
            value = getattr(self.options, name)
            where += ['--' + name.replace('_', '-'), value] if value is not None else []
        began = seconds_now()
        command = [sys.executable, '-c', START, os.path.join(SCRIPTS, script)] + words + where
        code, out, err = run_limited(command, PHASE_LIMIT[script], {OF_A_RUN: '1'})
        last_words = (err.strip().splitlines() or [''])[-1].replace(script + ': ', '')
        shown = ' '.join([script] + words).replace(self.run_dir + os.sep, '')
        self.note('%s: %s in %.1f s%s' % (shown, 'no end' if code is None else 'exit %d%s' % (code, EXIT_WORDS.get(
            code, '')), seconds_now() - began, last_words and '; ' + last_words))
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        is_failed = code not in how.get('accept', (DONE,))
        if err.strip() and (is_failed or 'Traceback' in err):
            with io.open(os.path.join(self.run_dir, 'loop_errors.txt'), 'a', encoding='utf-8') as kept:
                kept.write(logs.for_people('%s %s\n%s\n' % (utc_text(), script, logs.redact(err))))
        if is_failed:
            raise PhaseFailed(script, code, last_words if code is not None else
                              '%s did not end within %d s' % (script, PHASE_LIMIT[script]))
        return code, out, last_words

    # -- the run
    def run(self):
        """The whole session; returns why it ended. Problem when something that a run needs is not there."""
        self.save()
        ended = 'failed'
        try:
            missing = write_manifest(self.run_dir, self.options)
            if missing:
                self.past, self.state['unseen'] = sum((read_earlier(path)[1] for path in self.earlier), []), True
                raise Problem(missing[0])
            write_file(self.reserve, b' ' * 2 ** 20)
            self.clean_up_after_killed_runs()
            self.compare_with_the_files()
            self.retest_undecided()
            ended = self.improve()
        except PhaseFailed as failure:
            self.troubles.append(failure.as_problem().sentence)
        except Problem as problem:              # said on stderr; whoever reads the reports finds it there
            self.troubles.append(problem.sentence)
            self.note(problem.sentence)
            raise
        except KeyboardInterrupt:
            ended = None
            raise
        finally:
            on_signals('ignore')        # a second Ctrl-C must not break off the undo
            self.give_up_reserve()
            self.withdraw('the run ended before the verdict')
            self.notice_undos()
            self.state['ended'] = 'person' if ended == 'no_fix_left' and self.person_list() else ended
            self.write_lessons()
            self.note('the run ended: %s' % ending_words(self.state))
            self.save(phase='done')
        return self.state['ended']

    def give_up_reserve(self):
        if os.path.exists(self.reserve):
            os.remove(self.reserve)

    def improve(self):
        """Iterate until goal, plateau, no fix left or the limit; returns which."""
        tried, first = set(), None
        while True:
            self.state['iteration'] += 1
            number = self.state['iteration']
            diagnosis = self.look(number)
            first = first or dict(diagnosis, patterns=[pattern for pattern in diagnosis['patterns']
                                                       if not self.is_of_an_outage(pattern)])
            reached = goal_percent(first, self.state['fixes'])
            self.state['goal']['reached_percent'] = reached if reached is None else round(reached, 1)
            self.remember_refusals(diagnosis)
            if reached is not None and reached >= self.options.goal:
                return 'goal'
            self.put_off_patterns.update(
                pattern['pattern'] for pattern in diagnosis['patterns']
                if pattern.get('agent') in self.shut_out or self.is_of_an_outage(pattern) and not self.options.pattern)
            choice = choose_fix(diagnosis, self.put_off_patterns | self.quiet_patterns(diagnosis), tried,
                                self.options.pattern, [row['pattern'] for row in self.new_fixes()
                                                       if gained_nothing([row])])
            if choice is None:
                self.look_for_the_pattern(diagnosis)
                return 'no_fix_left'
            own = [row for row in self.state['fixes'] if row['template'] == 'adopted' and not row['retest']]
            if self.adopted and own:            # who has a patch of his own did not ask for others
                self.state['adopted'] = 'could not be' if own[-1]['decision'] == 'NOT_TRIED' else 'has been'
                return 'iterations'
            if gained_nothing(self.new_fixes()) >= PLATEAU:
                return 'plateau'
            if len(self.new_fixes()) >= self.options.iterations:
                return 'iterations'
            tried.add(choice[1]['id'])
            self.try_fix(number, *choice)

    def new_fixes(self):
        return [row for row in self.state['fixes'] if not row['retest'] and row['template'] != 'probe'
                and row['decision'] != 'NOT_TRIED']

    def quiet_patterns(self, diagnosis):
        """Patterns that none of their items showed when they were last refreshed, and that were not logged since: no
        night after night is spent on them. Whoever names one wants it tried.
        """
        now = utc_text()                        # of a clock that ran ahead then, nothing can be told
        asked = dict((row['pattern'], row['time']) for row in self.past + self.state['fixes'] if row.get('quiet')
                     and row['time'] <= now)
        return set(pattern['pattern'] for pattern in diagnosis['patterns'] if pattern['pattern'] in asked
                   and (pattern['last_seen'] or '') <= asked[pattern['pattern']] and not self.options.pattern)

    def is_of_an_outage(self, pattern):
        """Was it only logged in tests in which the provider was at fault, be that by a 404? Each night may have one."""
        windows = [row['outage'] for row in self.past + self.state['fixes'] if row['agent'] == pattern.get('agent')
                   and len(row.get('outage') or ()) == 2]
        return pattern['pattern'] not in self.elsewhere and all(
            when and any(begin <= when <= end for begin, end in windows)
            for when in (pattern.get('first_seen'), pattern.get('last_seen')))

    def look(self, number):
        """Aggregate and diagnose -> the diagnosis."""
        from diagnose_from_report import diagnosis_path, read_diagnosis, write_fix_history
        self.aggregate(number)
        self.save(phase='diagnose')
        write_fix_history(self.run_dir, [history_row(row) for row in verdicts_of(self.past + self.state['fixes'])])
        code, _, words = self.phase('diagnose_from_report.py', '--iteration', number, where=AT_HOME,
                                    accept=(DONE, INCOMPLETE, NEGATIVE))
        words = 'diagnose_from_report.py: ' + words
        if code == INCOMPLETE and words not in self.troubles:
            self.troubles.append(words)
        if self.options.adopt and not self.adopted:
            try:
                self.phase('diagnose_from_report.py', '--iteration', number, '--adopt', self.options.adopt, '--pattern',
                           self.options.pattern, where=AT_HOME)
            except PhaseFailed as failure:      # the person's own business, and nothing was changed yet
                raise failure.as_problem()
            self.adopted = True                 # once: where it is in place it would not fit again
        return read_diagnosis(diagnosis_path(self.run_dir))

    def look_for_the_pattern(self, diagnosis):
        """A --pattern that neither the logs nor an earlier run know is most likely mistyped: that is for the person."""
        if self.options.pattern and not self.new_fixes() and self.options.pattern not in [
                row['pattern'] for row in diagnosis['patterns'] + self.past + self.listed_patterns()]:
            self.troubles.append('there is no pattern %s (--pattern) in the logs; the ids stand in '
                                 'diagnostic_report.md' % self.options.pattern)

    def listed_patterns(self):
        """What the aggregate holds: what cannot be mended may be no part of the diagnosis."""
        try:
            return logs.read_aggregate(logs.aggregate_path(self.run_dir, self.state['iteration']))['patterns']
        except Problem:
            return []

    def aggregate(self, number):
        """The baseline of an iteration."""
        self.save(phase='aggregate')
        write_resolved(self.run_dir, self.past + self.state['fixes'])
        words = sum((['--earlier', path] for path in self.earlier_aggregates(number)), [])
        self.phase('aggregate_plex_logs.py', '--iteration', number, '--since', self.options.since, '--resolved',
                   os.path.join(self.run_dir, 'resolved_patterns.json'), *words, where=AT_HOME,
                   accept=(DONE, INCOMPLETE))

    def earlier_aggregates(self, number):
        """Paths of the last aggregates of these logs before this iteration's, the newest first, down to one that goes
        back as far as this one is to: a run by hand with a short --since has left out the rest.
        """
        found, since = [], utc_text(logs.moment_of(self.options.since))
        for path in [self.run_dir] + self.earlier[::-1]:
            state = self.state if path == self.run_dir else read_earlier(path)[0] or {}
            same = state.get('plex_home') == self.state['plex_home']    # else it was on another server
            newest = (number - 1 if path == self.run_dir else logs.current_iteration(path, None)) if same else 0
            for one in range(newest, max(0, newest - MOST_EARLIER), -1):
                try:
                    window = logs.read_aggregate(logs.aggregate_path(path, one)).get('window')
                except Problem:
                    continue                    # none was made, or it is deleted or damaged
                found.append(logs.aggregate_path(path, one))
                if not logs.fits(window, {'asked': {'since': logs.STRING}}) or window['asked']['since'] <= since \
                        or len(found) == MOST_EARLIER:
                    return found
                break
        return found

    def try_fix(self, number, pattern, fix):
        """Before-test, implement, after-test, verdict, and carry it out."""
        row = {'id': fix['id'], 'pattern': pattern['pattern'], 'iteration': number, 'decision': None,
               'success_percent': None, 'measured': 0, 'agent': fix.get('agent'), 'template': fix.get('template'),
               'exception': pattern.get('exception'), 'run': self.state['run'], 'home_run': self.state['run'],
               'home_iteration': number, 'time': utc_text(), 'reason': '', 'retest': False, 'weak_evidence': False,
               'evidence': False, 'function': fix.get('function'), 'probed': fix.get('probed'),
               'summary': fix.get('summary'), 'loss': fix.get('loss'), 'risk': fix.get('risk'),
               'contains': fix.get('contains')}
        self.note('iteration %d: %s for pattern %s of %s' % (number, fix['template'], pattern['pattern'], fix['agent']))
        if not pattern['test_plan']['items'] and not pattern['test_plan'].get('possible'):
            why = 'the log names no item that it hits, so no refresh can test it; implement_fix.py puts it in by hand'
            self.troubles.append('fix %s for %s of %s: %s' % (row['id'], row['exception'] or row['pattern'],
                                                              row['agent'], why))
            self.put_off(row, why)
            return
        code, _, words = self.phase('implement_fix.py', row['id'], '--iteration', number, '--dry-run', where=ANYWHERE,
                                    accept=(DONE, UNSAFE, NO_ENVIRONMENT))
        if code == NO_ENVIRONMENT:              # a folder that cannot be written, say: other bundles may be better off
            self.troubles += [words] if words not in self.troubles else []
            self.put_off(row, words)
        elif code == UNSAFE:                    # no refresh is spent on what cannot be put in place
            self.note('fix %s: not tried; %s' % (row['id'], words))
            self.save(fixes=self.state['fixes'] + [dict(row, decision='NOT_TRIED', reason=words)])
        if code != DONE:
            return
        if fix['kind'] == 'probe':
            self.probe(number, row)
            return
        self.save(phase='before-test')
        probed = self.probed.pop(pattern['pattern'], None)      # its test serves as this one: no refresh is wasted
        code, _, words = self.test('before', number, '--fix', fix['id'],
                                   *(('--sample', home_sample(self.run_dir, probed)) if probed else ()))
        stopped, row['quiet'] = (words, False) if code == UNSAFE else self.stopped_test(number, code, words)
        if stopped:
            self.put_off(row, stopped)
            return
        if self.implement(number, row):
            self.after_test_and_verdict(number, row, ())

    def implement(self, number, row):
        """Put the fix of a row in place -> whether it is live. If it is not, it is undone and the row says why."""
        from implement_fix import journal_time
        began = journal_time()
        self.save(phase='implement', fixes=self.state['fixes'] + [row])     # from here on an undo may be needed
        try:
            code, _, words = self.phase('implement_fix.py', row['id'], '--iteration', number, where=ANYWHERE,
                                        accept=(DONE, INCOMPLETE, UNSAFE, NEGATIVE))
        except PhaseFailed:
            self.withdraw('implementing it failed')
            raise
        if code == UNSAFE:
            self.replace_row(row, decision='NOT_TRIED', reason=words or 'refused as unsafe')
        elif code == NEGATIVE:
            facts = dict(decision='ROLLBACK', evidence=True, live=began, time=utc_text(),
                         reason='the plug-in did not come up with the new code')
            without = self.places_of([row]).get(row['home_run'], {}).get(row['id'], {}).get('live')
            if without is not True:             # whether it ran before is not known: nobody may have called it for days
                self.troubles.append('%s: %s; repair its bundle or install it again, and restart the server'
                                     % (row['agent'], words.partition(': ')[2] or words))
                self.put_off_patterns.add(row['pattern'])
            if without is False:
                facts.update(evidence=False, reason=facts['reason'] + ', and not without it either')
            self.replace_row(row, **facts)
        elif code == INCOMPLETE:
            self.put_off_patterns.add(row['pattern'])       # of another fix it would be known no better
            self.withdraw('it is not known whether the new code is live')
        return code == DONE

    def probe(self, number, row):
        """Run the before-test with a patch that changes nothing but the log, so that the place is known for the fix.

        evidence: the error came again, so a place that kept silent is none.
        """
        if self.implement(number, row):
            self.save(phase='probe')
            code, _, words = self.test('before', number, '--pattern', row['pattern'])
            stopped, row['quiet'] = (words, False) if code == UNSAFE else self.stopped_test(number, code, words)
            row['reason'] = stopped or 'the error came again; the log tells which line fails, or that none of them does'
            if stopped:
                self.put_off_patterns.add(row['pattern'])
            else:
                self.probed[row['pattern']] = number
            self.roll_back(row)
            self.replace_row(row, decision='PROBED', evidence=not stopped, time=utc_text())     # when it had been asked

    def after_test_and_verdict(self, number, row, sample):
        """Measure the items with the fix in place, decide, carry it out; the row is the last one of the state."""
        from implement_fix import journal_time
        began = utc_text()
        if not row['retest']:
            row['live'] = journal_time()        # what is logged from here on is logged in spite of the fix
        self.save(phase='after-test')
        self.test('after', number, '--fix', row['id'], *sample)
        self.save(phase='re-aggregate')
        self.phase('aggregate_plex_logs.py', '--iteration', number, '--postfix', '--since', began, where=AT_HOME,
                   accept=(DONE, INCOMPLETE))
        self.save(phase='compare')
        self.phase('compare_metrics.py', '--iteration', number, accept=(DONE, INCOMPLETE, NEGATIVE))
        verdict = self.read_verdict(number)
        row['reason'] = verdict['reason']
        lost, stays, outage = self.look_into_test(number, row)
        row['outage'] = [began, utc_text()] if outage else None
        if stays:
            if lost:
                self.name_losses(row, lost)
            self.put_off_patterns.add(row['pattern'])       # another fix would be measured no better now
            self.replace_row(row, **dict(row['was'], reason='not tested again: ' + row['reason']))
            return
        evidence = bool(verdict['measured'] or verdict['regressions']) and not verdict['undecided']
        if verdict['decision'] == 'ROLLBACK':       # undone first: a kill in between leaves a fix without a verdict
            by_hand = whereabouts(row, self.places_of([row])) == 'undone'
            if by_hand:
                row['reason'] += '; it was undone by hand meanwhile'
            if by_hand or not evidence:             # another fix would be measured no better now
                self.put_off_patterns.add(row['pattern'])
            out, evidence = self.roll_back(row), evidence or by_hand        # whoever took it out does not want it
        weak = verdict['weak_evidence']
        if weak and cycles(self.past, row['id'], 'KEEP') >= ENOUGH_KEEPS - 1:     # the library may have no more items
            weak, row['reason'] = False, row['reason'] + '; kept %d times in a row, so it is not tested again' % (
                ENOUGH_KEEPS)
            if not verdict['healthy_intact'] and verdict['healthy_not_measured']:
                self.troubles.append('fix %s stays, though no healthy item could be measured with it in its newest '
                                     'test; see whether such items are still refreshed as before' % row['id'])
        facts = dict(decision=verdict['decision'], success_percent=verdict['success_percent'],
                     measured=verdict['measured'], weak_evidence=weak, time=utc_text(),
                     further=in_need_of_more(verdict), evidence=evidence, reason=row['reason'],
                     cured=0 if verdict['regressions'] else verdict['fixed'])
        if verdict['decision'] == 'ROLLBACK' and (verdict['regressions'] or lost) and out != UNSAFE and not by_hand:
            row.update(facts)
            if verdict['regressions']:          # if it should come to an end in there
                row.update(evidence=False, reason=facts['reason'] + (
                    '; it was not seen whether that is the same without it, so it may be tried again'))
            self.save()
            same = self.same_without(number, row, out == DONE)
            if out == NEGATIVE:                 # down without it, too
                same = True
            if verdict['regressions'] and (same or row['agent'] in self.shut_out):
                self.put_off_patterns.add(row['pattern'])
                row['outage'] = [began, utc_text()] if out == DONE else None
                facts.update(evidence=False, reason=facts['reason'] + (
                    '; but without it that was the same' if same else
                    '; the provider refused more requests, so it was not seen whether that is the same without it'))
            elif same is False and not verdict['regressions']:
                row['outage'] = None
                facts.update(evidence=True, reason=facts['reason'] + '; without it they are well again, so it was the '
                                                                     'fix')
        elif lost:
            self.name_losses(row, lost)
        if facts['decision'] == 'ROLLBACK' and not facts['evidence']:
            facts['reason'] += ('; that was so %d times in a row, so it is not tried again' % UNDECIDED_CYCLES
                                if unmeasured(self.past + [dict(row, **facts)], row['id']) >= UNDECIDED_CYCLES else
                                '; it may be tried again')
        self.replace_row(row, **facts)

    def look_into_test(self, number, row):
        """-> (items that lost something, by whatever; whether a fix that was tested again stays untested; whether the
        provider was away) as the report of the after-test has it. Notes whether the provider shut the agent out in it.
        """
        from compare_metrics import read_test_report, test_report_path
        from test_fix_actively import active_test_path, is_shut_out, read_active_test
        try:
            verdict = read_test_report(test_report_path(self.run_dir, number))
            after = read_active_test(active_test_path(self.run_dir, number, 'after'))
        except Problem:                         # what was read of them stands
            return [], False, False
        if is_shut_out(after):
            self.shut_out.add(row['agent'])
        return ([item for item in verdict['items'] if item['lost']], row['retest'] and bool(verdict.get('stays')),
                verdict.get('outage') or not verdict['measured'] and any(row['upstream'] for row in after['rows']))

    def name_losses(self, row, lost):
        self.troubles.append(
            'in the test of fix %s %s lost something and did not get it back yet (%s); refresh them in Plex when the '
            'provider is well' % (row['id'], logs.count_text(len(lost), 'item'), ', '.join(
                '%s: %s' % (item['rating_key'], logs.fit(item['title'])) for item in lost)))

    def same_without(self, number, row, live):
        """Refresh once more what went wrong with a fix that is out again -> whether the weather was at fault, None
        where that was not seen. What was lost comes back by that, or is named to a person. live: the plug-in is known
        to run without the fix.
        """
        from compare_metrics import broken_items, is_cut_off, read_test_report, seen_without, test_report_path
        from test_fix_actively import active_test_path, read_active_test
        weather, lost = None, []
        try:
            before, after = [read_active_test(active_test_path(self.run_dir, number, when))
                             for when in ('before', 'after')]
            verdict = read_test_report(test_report_path(self.run_dir, number))
            keys = broken_items(verdict, after)
            lost = [item for item in verdict['items'] if item['lost']]
            if keys and live and row['agent'] not in self.shut_out:
                self.save(phase='undone-test')
                self.test('undone', number, '--fix', row['id'], '--only', ','.join(keys))
                undone = read_active_test(active_test_path(self.run_dir, number, 'undone'))
                weather, lost = seen_without(verdict, before, undone)
                if not verdict['regressions']:
                    weather = not is_cut_off(verdict, before, after, undone)
        except (PhaseFailed, Problem):              # the server went away, say; then the verdict stands
            pass
        finally:                                    # also when it is interrupted
            if lost:
                self.name_losses(row, lost)
        return weather

    def server_answers(self):
        """Whether the server is there (again) within the time-out of a refresh."""
        import implement_fix
        deadline = seconds_now() + self.options.timeout
        while seconds_now() < deadline:
            try:
                implement_fix.connect(self.options).sections()
                return True
            except Problem:
                time.sleep(1)
        return False

    def test(self, when, number, *words):
        """A server that restarts just when a test begins is waited for, as one that does so in its course."""
        options = self.options
        words = ('--phase', when, '--iteration', number, '--items', options.items, '--healthy', options.healthy,
                 '--concurrency', options.concurrency, '--pause', options.pause, '--timeout', options.timeout) + words
        how = {'where': ('plex_home', 'plex_url', 'token_file'), 'accept': (DONE, INCOMPLETE, UNSAFE, NEGATIVE)}
        try:
            return self.phase('test_fix_actively.py', *words, **how)
        except PhaseFailed as failure:
            if failure.code != NO_ENVIRONMENT or not self.server_answers():
                raise
            return self.phase('test_fix_actively.py', *words, **how)

    def stopped_test(self, number, code, words):
        """(why the before-test is no ground to judge a fix on (a ban, an outage, other errors only), or None; whether
        each of its items was refreshed and none showed the error any more).
        """
        from test_fix_actively import active_test_path, is_shut_out, read_active_test
        before = read_active_test(active_test_path(self.run_dir, number, 'before'))
        if is_shut_out(before):
            self.shut_out.add(before['agent'])
        if (before.get('plug_in') or {}).get('last_start_ok') is False:
            down = '%s of %s; repair its bundle or install it again, and restart the server' % (
                before['stopped'] or 'the plug-in is down', before['agent'])
            self.troubles += [down] if down not in self.troubles else []
        seen = [error['pattern'] for row in before['rows'] if row['role'] == 'failing' for error in row['errors']]
        quiet = before['complete'] and not before['stopped'] and before['pattern'] not in seen and any(
            row['outcome'] == 'ok' for row in before['rows']) and not any(row['upstream'] for row in before['rows'])
        if code == NEGATIVE or before['stopped']:
            return before['stopped'] or words, quiet
        return None if before['pattern'] in seen else 'the items fail otherwise now: none showed this error', quiet

    def read_verdict(self, number):
        """The decision as parse_test_report.py reads it out of the written report: what a person would read there."""
        import json
        _, out, _ = self.phase('parse_test_report.py', '--iteration', number, '--json')
        return json.loads(out)

    # -- fixes of earlier runs, and undoing
    def compare_with_the_files(self, undo=True):
        """Hold what earlier runs wrote of their fixes against the files.

        A kept fix that is not there any more (the agent was updated, say) holds nothing up; one that should have been
        undone and is still there is undone now, and where that fails its pattern waits for a person.
        """
        rows = sorted(latest_by_fix(self.past).values(), key=lambda row: (row['time'], row['id']))
        places = self.places_of(rows + [{'home_run': os.path.basename(path)} for path in self.earlier])
        for row in rows:
            kept, there = row['decision'] in ('KEEP', 'MONITOR'), whereabouts(row, places)
            if there:                           # else what was known of it stands
                found = places[row['home_run']].get(row['id'], {})
                row['unclear'] = not kept and found.get('patch') == 'conflict' and bool(row.get('still_there'))
                row.update(by_hand=False, to_undo=False, still_there=row['unclear'] or not kept and there in (
                    'in place', 'changed'))
            if row.get('unclear'):
                self.troubles.append('fix %s of run %s was to be taken out, and somebody changed the same lines since; '
                                     'see whether %s still holds it' % (row['id'], row['home_run'], found['bundle']))
            if kept and there in ('gone', 'undone'):
                self.past.append(dict(row, decision='UNDONE' if there == 'undone' else 'GONE', reason=(
                    'it was undone by hand' if there == 'undone' else 'it was overwritten, or made elsewhere')))
                self.note('fix %s of run %s is not in place here (any more)' % (row['id'], row['home_run']))
            elif there in ('in place', 'changed') and not kept and not undo:
                row['to_undo'] = True
            elif there in ('in place', 'changed') and not kept:
                self.note('fix %s of run %s should not be in place any more' % (row['id'], row['home_run']))
                row['still_there'] = self.roll_back(dict(row)) == UNSAFE
            elif there == 'by hand' and not kept:       # against a verdict or without one, as whoever did it knows
                row['by_hand'] = found.get('since') or True
                self.note('fix %s of run %s was put in by hand; it is left alone' % (row['id'], row['home_run']))
        known = set(row['id'] for row in rows)
        self.never_tried = [{'id': fix, 'agent': found['agent'], 'home_run': run, 'by_hand': found['since']}
                            for run in sorted(places) for fix, found in sorted(places[run].items())
                            if fix not in known and found['state'] == 'after']

    def places_of(self, rows):
        """What became of the fixes of the runs that rows name, as fixes_of_runs() gives it; {} where that cannot be
        read.
        """
        import implement_fix
        homes = sorted(set(os.path.join(self.runs, row['home_run']) for row in rows))
        try:
            found = implement_fix.fixes_of_runs([home for home in homes if os.path.isdir(home)], os.path.join(
                self.options.plex_home, 'Plug-ins'))                # a run may have been on another server
        except (Problem, IOError, OSError) as problem:
            words = 'what is in place of earlier fixes is not known: %s' % problem
            self.troubles += [words] if words not in self.troubles else []
            return {}
        return dict((os.path.basename(home), found.get(home, {})) for home in homes)

    def retest_undecided(self):
        """Test the MONITOR fixes of earlier runs (and KEEPs on weak evidence) before anything new."""
        from test_fix_actively import read_active_test
        for old in to_retest(self.past):
            home, why = os.path.join(self.runs, old['home_run']), None
            if whereabouts(old, self.places_of([old])) == 'changed':
                why = 'somebody changed its file, which still holds it'
            if old['agent'] in self.shut_out:
                why = 'the provider of %s refuses more requests' % old['agent']
            try:
                read_active_test(home_sample(home, old['home_iteration']))
            except Problem as problem:              # it must not keep all else from being done, night after night
                why = problem.sentence
            if why:
                self.troubles.append('fix %s of run %s keeps its verdict untested: %s'
                                     % (old['id'], old['home_run'], why))
                continue
            self.state['iteration'] += 1
            self.aggregate(self.state['iteration'])
            self.elsewhere.update(pattern['pattern'] for pattern in logs.read_aggregate(logs.aggregate_path(
                self.run_dir, self.state['iteration']))['patterns'] if not self.is_of_an_outage(pattern))
            row = dict(old, iteration=self.state['iteration'], run=self.state['run'], decision=None, retest=True,
                       was=dict((name, old[name]) for name in STANDING))
            self.save(phase='re-test', fixes=self.state['fixes'] + [row])
            self.after_test_and_verdict(row['iteration'], row, ('--sample', home_sample(home, old['home_iteration'])))
            if untested(self.past + self.state['fixes'], old['id']) >= UNDECIDED_CYCLES:
                self.troubles.append('fix %s for pattern %s is in place, but could not be tested again, %d times in a '
                                     'row; look at its test reports' % (old['id'], old['pattern'], UNDECIDED_CYCLES))
            if cycles(self.past + self.state['fixes'], old['id']) >= UNDECIDED_CYCLES:
                self.troubles.append('fix %s for pattern %s stays undecided after %d cycles; look at its test reports'
                                   % (old['id'], old['pattern'], UNDECIDED_CYCLES))

    def notice_undos(self):
        """What a person has taken out while the run was at work is not in place any more."""
        rows = [row for row in latest_by_fix(self.past + self.state['fixes']).values()
                if row['decision'] in ('KEEP', 'MONITOR')]
        places = self.places_of(rows) if rows and not self.state.get('unseen') else {}
        for row in sorted(rows, key=lambda row: (row['time'], row['id'])):
            if whereabouts(row, places) == 'undone':
                undone = dict(row, decision='UNDONE', reason='%s; it was undone by hand since' % row['reason'])
                if row['run'] == self.state['run']:
                    row.update(undone)
                else:
                    self.past.append(undone)

    def roll_back(self, row):
        """Undo a fix where it was made -> exit code, UNSAFE where it is still in; what cannot be undone safely is a
        person's business, as is what is out where the plug-in is not seen to run without it.
        """
        home = os.path.join(self.runs, row['home_run'])
        try:
            code, _, words = self.phase(
                'implement_fix.py', '--rollback', row['id'], '--iteration', row['home_iteration'], where=ANYWHERE,
                run_dir=home, accept=(DONE, INCOMPLETE, NEGATIVE))
        except PhaseFailed as failure:
            code, words = UNSAFE, failure.sentence
            row['reason'] += '; it could NOT be undone: %s' % words
        if code != DONE:
            self.troubles.append('undoing fix %s of run %s: %s' % (row['id'], row['home_run'], words))
        if code == UNSAFE:
            self.put_off_patterns.add(row['pattern'])
        row['still_there'] = code == UNSAFE
        return code

    def withdraw(self, why):
        """A fix in place without a verdict is undone: an untested patch must not stay on somebody's server.

        One that was only tested again keeps the verdict it had: it was measured then, and will be measured again.
        """
        for row in self.state['fixes']:
            if row['decision'] is None and row['retest']:
                self.replace_row(row, reason='not tested again: ' + why, **row['was'])
            elif row['decision'] is None:
                row['reason'] = why
                self.roll_back(row)
                self.replace_row(row, decision='ROLLBACK')

    def clean_up_after_killed_runs(self):
        """End what a killed run left behind: files consistent, no fix without a verdict, lessons written."""
        for path in self.earlier:
            state, rows, sentences = read_earlier(path)
            self.troubles += sentences
            if state and state['ended'] is None:
                self.note('run %s was %s; cleaning up after it' % (
                    state['run'], 'interrupted' if state['phase'] == 'done' else 'killed in phase %s' % state['phase']))
                self.phase('implement_fix.py', '--recover', where=ANYWHERE, run_dir=path,
                           accept=(DONE, INCOMPLETE, NEGATIVE))
                killed = Session(self.options, path, self.runs)
                killed.state = state
                killed.refused, killed.troubles = read_lessons(path)
                killed.give_up_reserve()
                killed.withdraw('the run was killed before the verdict')
                if state['phase'] == 'undone-test' and state['fixes'] and state.get('plex_home') == self.state[
                        'plex_home']:           # what was lost is to come back
                    killed.same_without(state['fixes'][-1].get('iteration') or 0, state['fixes'][-1], True)
                killed.state['ended'] = 'failed'
                killed.write_lessons()
                killed.save(phase='done')
                self.troubles += killed.troubles
                rows = state['fixes']
            self.past += rows

    def put_off(self, row, why):
        """Note a fix that was not tried, and leave its pattern alone for the rest of the run."""
        self.put_off_patterns.add(row['pattern'])
        self.note('fix %s: not tried; %s' % (row['id'], why))
        self.save(fixes=self.state['fixes'] + [dict(row, decision='NOT_TRIED', reason=why)])

    def replace_row(self, row, **changes):
        row.update(changes)
        self.note('fix %s: %s%s; %s' % (row['id'], row['decision'], '' if row['success_percent'] is None else
                                        ' (%s %% of %d)' % (row['success_percent'], row['measured']), row['reason']))
        self.save()

    def remember_refusals(self, diagnosis):
        self.refused = [{'pattern': pattern['pattern'], 'agent': pattern.get('agent'), 'class': pattern['class'],
                         'exception': pattern.get('exception'), 'message': pattern.get('message'),
                         'items': pattern['items_total'],
                         'why': pattern['no_fix_because'] + self.too_few(pattern['pattern'])}
                        for pattern in diagnosis['patterns'] if pattern.get('no_fix_because') and not
                        pattern.get('mended_with')]
        gone = [pattern for pattern in diagnosis['patterns'] if self.is_of_an_outage(pattern)]
        self.refused = [row for row in self.refused if row['pattern'] not in [one['pattern'] for one in gone]]
        quiet = self.quiet_patterns(diagnosis)
        gone += [one for one in diagnosis['patterns'] if one['pattern'] in quiet and one['fixes'] and one not in gone]
        self.refused += [{'pattern': pattern['pattern'], 'agent': pattern.get('agent'), 'class': 'quiet',
                          'exception': pattern.get('exception'), 'items': pattern['items_total'],
                          'why': 'it was only logged in tests in which the provider was at fault'
                                 if self.is_of_an_outage(pattern) else
                                 'no item that is still there showed it when they were last refreshed, and it was not '
                                 'logged since'}
                         for pattern in gone]
        self.refused += [{'pattern': pattern['pattern'], 'agent': pattern.get('agent'), 'class': 'put off',
                          'exception': pattern.get('exception'), 'items': pattern['items_total'],
                          'why': 'the provider of its agent refuses more requests; a later run tries its fixes'}
                         for pattern in diagnosis['patterns'] if pattern.get('agent') in self.shut_out and
                         pattern['fixes'] and pattern not in gone]

    def too_few(self, pattern):
        """Words on the undone fix that cured most items of a pattern and harmed none, where no fix is left for it."""
        rows = [row for row in latest_by_fix(self.past + self.state['fixes']).values() if row['pattern'] == pattern and
                row['decision'] == 'ROLLBACK' and row.get('cured') and not row.get('by_hand')]
        best = max(rows, key=lambda row: (row['success_percent'], row['id'])) if rows else None
        return '' if best is None else (
            '. Fix %s (%s) cured %d of %d items and harmed none, too few to stay by itself: if the others are beyond '
            'help, implement_fix.py %s --run-dir %s puts it in (where its file has changed since, patch -p1 with its '
            'fixes/%s.patch), and no run takes it out again' % (
                best['id'], best['template'] or 'adopted', best['cured'], best['measured'], best['id'],
                os.path.join(os.path.basename(self.runs), best['home_run']), best['id']))

    def person_list(self):
        """What only a person can decide or mend: what went wrong in this run, and the patterns no patch can cure."""
        return self.troubles + ['%s of %s (%s), %s: %s' % (
            ': '.join(filter(None, [row['exception'], logs.fit(row.get('message') or '')])) if row['exception'] else
            '"%s"' % logs.fit(row.get('message') or row['pattern']),
            row['agent'], row['pattern'], item_words(row['items']), row['why'])
            for row in self.refused if row['class'] in PERSON_CLASSES]

    def has_news(self):
        """Whether the newest run before this one did not already ask for the same persons' work."""
        earlier = [path for path in self.earlier if os.path.isfile(lessons_path(path))]
        known = persons_work(*read_lessons(earlier[-1])) if earlier else set()
        return not persons_work(self.refused, self.troubles) <= known

    # -- the post-mortem
    def write_lessons(self):
        newest = latest_by_fix(self.past + self.state['fixes']).values()
        lessons = {'run': self.state['run'], 'ended': self.state['ended'], 'fixes': self.state['fixes'],
                   'in_place': [dict((name, row.get(name)) for name in IN_PLACE)
                                for row in sorted(newest, key=lambda row: (row['time'], row['id']))
                                if row['decision'] in ('KEEP', 'MONITOR') or row.get('still_there') or
                                row.get('by_hand')] + [
                                    dict((name, row.get(name)) for name in IN_PLACE) for row in self.never_tried
                                    if row['id'] not in [one['id'] for one in self.state['fixes']]],
                   'refused': self.refused, 'troubles': self.troubles, 'person': self.person_list(),
                   'goal': self.state['goal'], 'templates': template_counts(self.past + self.state['fixes'])}
        write_json(lessons_path(self.run_dir), lessons, LESSONS_SCHEMA)
        write_file(lessons_path(self.run_dir, '.md'), lessons_text(lessons, self.state))


# --------------------------------------------------------------------------------------------- what is written, as text
def history_row(row):
    """A fix of this or an earlier run as diagnose_from_report.py wants it."""
    return dict((name, row.get(name)) for name in ('id', 'pattern', 'agent', 'template', 'exception', 'decision',
                                                   'success_percent', 'measured', 'run', 'time', 'reason', 'function',
                                                   'evidence', 'probed', 'further', 'iteration', 'home_run', 'summary',
                                                   'loss', 'risk', 'contains', 'live'))


def persons_work(refused, troubles):
    """What asks for a person, as a set that is the same next night, when counts and times have moved on."""
    return set((row['pattern'], row['class']) for row in refused if row['class'] in PERSON_CLASSES) | set(
        re.sub(r'\d+', '', sentence) for sentence in troubles)


def write_resolved(run_dir, rows):
    """The patterns with a fix in place, also by hand, for aggregate_plex_logs.py --resolved: their errors before it are
    history, and what is logged in spite of it is a case of its own.
    """
    import json
    resolved = [{'pattern': row['pattern'], 'fixed_at': row['by_hand'] if logs.fits(row.get('by_hand'), logs.STRING)
                 else row.get('live') or row['time']} for row in latest_by_fix(rows).values()
                if row['decision'] in ('KEEP', 'MONITOR') or row.get('by_hand')]
    text = json.dumps(sorted(resolved, key=lambda row: (row['pattern'], row['fixed_at'])), indent=2, sort_keys=True)
    write_file(os.path.join(run_dir, 'resolved_patterns.json'), text + '\n')


def home_sample(home, iteration):
    from test_fix_actively import active_test_path
    return active_test_path(home, iteration, 'before')


def template_counts(rows):
    """{template: {decision: count}} of the newest verdict of every fix: what the next ranking learns from, and so not
    those that cured their own place and were undone for the next one.
    """
    from diagnose_from_report import brought_further
    counts = {}
    for row in latest_by_fix(filter(is_verdict, rows)).values():
        if not brought_further(row):
            of_template = counts.setdefault(row['template'] or 'adopted', {})
            of_template[row['decision']] = of_template.get(row['decision'], 0) + 1
    return counts


def table(heads, rows, keep_paths=False):
    """Lines of a Markdown table."""
    lines = ['| ' + ' | '.join(heads) + ' |', '|' + ' --- |' * len(heads)]
    return lines + ['| ' + ' | '.join(prose(cell, keep_paths) for cell in row) + ' |' for row in rows]


def prose(text, keep_paths=False):
    """Words without secrets, and as they are where Markdown would read marks in them: '__getitem__'."""
    from diagnose_from_report import prose as escaped
    return escaped(logs.redact(six.text_type(text), keep_paths=keep_paths))


ENDINGS = {
    'goal': 'the goal was reached', 'plateau': 'the last %d fixes gained nothing' % PLATEAU,
    'no_fix_left': 'no fix is left that can be tried now',
    'iterations': 'the limit of new fixes was reached (--iterations)',
    'person': 'what is left needs a person', 'failed': 'a phase failed or it was broken off; see loop.log',
    None: 'it was interrupted'}


def ending_words(state):
    return 'the patch of --adopt %s tried, and nothing else was asked for' % state['adopted'] if state.get(
        'adopted') else ENDINGS[state.get('ended')]


def decision_words(row):
    """The decision, and whether the patch is in the bundle."""
    if row.get('to_undo'):
        return '%s, still in place: a run takes it out first' % (row['decision'] or 'no verdict')
    if row.get('unclear'):
        return '%s; whether its file still holds it is not clear' % row['decision']
    if row.get('still_there'):
        return '%s, but it could NOT be taken out' % row['decision']
    if row.get('by_hand'):
        return 'put in by hand' + ('; the verdict was ROLLBACK' if row['decision'] == 'ROLLBACK' else '')
    return {'ROLLBACK': 'ROLLBACK, taken out', 'NOT_TRIED': 'not tried', 'PROBED': 'probe, taken out',
            'MONITOR': 'MONITOR, in place', 'KEEP': 'KEEP, in place', 'UNDONE': 'undone by hand'}.get(
                row['decision'], row['decision'])


def percent_text(row):
    return '-' if row['success_percent'] is None else '%g %% of %d' % (row['success_percent'], row['measured'])


def lessons_text(lessons, state):
    """lessons_learned.md: what was tried and what came of it, what was left alone and why, what a person must do."""
    fixes, refused = lessons['fixes'], lessons['refused']
    reached = lessons['goal']['reached_percent']
    lines = ['# Lessons of run %s' % lessons['run'], '',
             'The run began at %s and %s.' % (state['started'], 'was a dry one: nothing was tried' if state.get(
                 'dry_run') else 'ended because ' + ending_words(state))]
    if reached is not None:
        lines.append('Of the items that code defects still hit when it began, the fixes that it kept cover %g %%; the '
                     'goal is %g %%. The share is the measured success of each, weighed by the items of its pattern.'
                     % (reached, lessons['goal']['percent']))
    lines += ['', '## What is in place now', '']
    if state.get('unseen') and lessons['in_place']:
        lines += ['As the runs before left it: this one did not get to see the files.', '']
    if lessons['in_place']:
        lines += table(('Fix', 'Agent', 'What it does', 'Decision', 'Success', 'Made in run'), [
            (row['id'], row['agent'], row.get('summary') or '-', decision_words(row), percent_text(row),
             row['home_run']) for row in lessons['in_place']])
        lines += ['', '%s can be taken out again, in any order; "Undo" in README.md tells how.' % (
            'Those that the loop could not take out are for a person; each other one' if any(
                row.get('still_there') and not row.get('to_undo') for row in lessons['in_place']) else 'Each')]
    else:
        lines.append('No patch that was kept; what went wrong stands below.' if lessons['troubles'] else
                     'No patch of this loop.')
    lines += ['', '## What needs a person', '']
    lines += ['- ' + prose(sentence) for sentence in lessons['person']] or ['Nothing.']
    lines += ['', '## What was tried', '']
    if fixes:
        lines += table(('Fix', 'Agent', 'Template', 'Decision', 'Success', 'Why', 'Report'), [
            (row['id'], row['agent'], row['template'], decision_words(row),
             percent_text(row), row['reason'],
             'test_report_iteration_%d.md' % row['iteration'] if row['measured'] or row['decision'] == 'ROLLBACK' and
             row.get('further') is not None else 'loop.log') for row in fixes])
        lines += ['', 'Success: the share of the measured items, all of which failed before, that show no error now '
                      'and have what they lacked.']
    else:
        lines.append('No fix was tried.')
    weak = [row for row in fixes if row['weak_evidence']]
    if weak:
        lines += ['', 'Kept on weak evidence (too few items measured, or no healthy one), so tested again by the next '
                      'run: %s.' % ', '.join(row['id'] for row in weak)]
    alone = [row for row in refused if row['class'] not in PERSON_CLASSES]
    lines += ['', '## What was left alone, and why', '']
    lines += table(('Pattern', 'Agent', 'Class', 'Items', 'Why no patch'), [
        (row['pattern'], row['agent'], row['class'], row['items'], row['why']) for row in alone]) if alone else [
            'Nothing but what needs a person.' if refused or lessons['person'] else 'Nothing.']
    lines += ['', '## What the next run takes from this', '']
    if lessons['templates']:
        lines += table(('Template', 'Verdicts so far'), [
            (name, ', '.join('%s %d' % pair for pair in sorted(counts.items())))
            for name, counts in sorted(lessons['templates'].items())])
        lines += ['', 'A template is a kind of patch; one with more KEEP and fewer ROLLBACK is offered earlier.']
    else:
        lines.append('No verdicts yet, so the ranking of templates stays as it is.')
    return logs.redact('\n'.join(lines)) + '\n'


def item_words(items):
    return 'no item named' if not items else '1 item' if items == 1 else '%d items' % items


def summary_lines(state, lessons, run_dir):
    """The result on stdout, at most 80 columns."""
    lines = ['%-10s %-24s %-16s %s' % ('Decision', 'Template', 'Success', 'Agent')
             if lessons['fixes'] or lessons['refused'] else 'No fix was tried.']
    for row in lessons['fixes']:
        lines.append('%-10s %-24.24s %-16s %.27s' % (row['decision'], row['template'] or 'adopted', percent_text(row),
                                                     short_agent(row['agent'])))
        lines += wrapped('  why: ', row['reason'] + ('; weak evidence, so the next run tests it again'
                                                     if row['weak_evidence'] else ''))
    for row in lessons['refused']:
        lines.append('%-10s %-24.24s %-16s %.27s' % ('person' if row['class'] in PERSON_CLASSES else 'refused',
                                                     'class: ' + row['class'], item_words(row['items']),
                                                     short_agent(row['agent'])))
        lines += wrapped('  why: ', row['why'])
    lines += sum((wrapped('person: ', sentence) for sentence in lessons['troubles']), [])
    before = len(set(row['id'] for row in lessons['in_place']) - set(row['id'] for row in lessons['fixes']))
    lines += ['in place   %s of earlier runs' % logs.count_text(before, 'fix', 'fixes')] if before else []
    lines += ['', 'Ended: %s.' % ending_words(state), 'Read: %s' % os.path.join(run_dir, 'lessons_learned.md')]
    return lines


def wrapped(lead, sentence):
    import textwrap
    return textwrap.wrap(lead + sentence, 79, subsequent_indent=' ' * len(lead),
                         break_on_hyphens=False) if sentence else []


def short_agent(identifier):
    return (identifier or '-').replace('com.plexapp.agents.', '')


# -------------------------------------------------------------------------------------------------------------- set-up
def look_around(options):
    """-> rows (what, found, sentence): everything a run depends on; found is True, False or None (can do without)."""
    import platform
    import implement_fix
    rows = [('system', True, '%s, Python %s' % (platform.platform(), platform.python_version()))]

    def probe(what, needed, look):
        try:
            rows.append((what, True, look()))
        except Problem as problem:
            rows.append((what, False if needed else None, problem.sentence))

    probe('Plex folder', True, lambda: logs.find_plex_home(options.plex_home))
    if rows[-1][1]:
        home = rows[-1][2]
        rows.append(('install style', True, install_style(home)))
        probe('logs', True, lambda: readable_folder(logs.find_log_folder(home)))
        probe('plug-ins', True, lambda: folder_of_bundles(os.path.join(home, 'Plug-ins')))
        probe('plug-in support', False, lambda: readable_folder(os.path.join(home, 'Plug-in Support')))
    probe('server', True, lambda: describe_server(options))
    probe('token', False, lambda: describe_token(options))
    python27 = implement_fix.find_python27(options.python27)
    rows.append(('Python 2.7', True if python27 else None,
                 python27 or "no interpreter; patches are validated by the suite's own reader of Python 2 alone"))
    return rows


# how the data folder of each kind of installation begins (PLEX.md 1.1); the first that fits
INSTALL_STYLES = (
    ('/config/', 'container'), ('/var/snap/', 'snap package'), ('/var/lib/plexmediaserver/', 'Linux package'),
    ('/volume', 'Synology or Asustor package'), ('/share/', 'QNAP package'), ('/mnt/HD/', 'WD My Cloud package'),
    ('/apps/', 'ReadyNAS package'), ('/usr/local/plexdata', 'FreeBSD port'), ('/var/db/', 'TrueNAS jail'),
    ('/storage/emulated/', 'Android'), ('/Users/', 'macOS'), ('/home/plex/', 'TerraMaster package'))


def install_style(plex_home, system=os.name, container=os.path.exists):
    """How Plex is installed, in words, as far as its data folder tells. container: whether a mark of Docker exists."""
    if system == 'nt':
        return 'Windows'
    path = os.path.abspath(plex_home) + '/'
    known = next((words for start, words in INSTALL_STYLES if path.startswith(start)), 'folder of its own')
    return 'container' if container('/.dockerenv') else known


def readable_folder(path):
    try:
        return '%s, %s' % (path, logs.count_text(len(os.listdir(path)), 'entry', 'entries'))
    except OSError as problem:
        if problem.errno == errno.ENOENT:
            raise Problem('there is no %s; is --plex-home right?' % path)
        raise Problem('%s cannot be read (%s); give this user read rights' % (path, problem.strerror))


def writable_folder(path):
    found = readable_folder(path)
    if not os.access(path, os.W_OK):
        raise Problem('%s cannot be written; run as the user that owns it' % path, NO_ENVIRONMENT)
    return found + ', can be written'


def folder_of_bundles(path):
    """An empty one is most likely a volume that is not mounted: its bundles and the fixes in them are not gone."""
    from implement_fix import require_bundles
    found = writable_folder(path)
    require_bundles(path)
    return found


def describe_server(options):
    import implement_fix
    server = implement_fix.connect(options)
    identity = server.identity()
    home = logs.find_plex_home(options.plex_home)
    own = implement_fix.preference(home, 'ProcessedMachineIdentifier')
    if own and own != identity['machine_identifier']:
        raise Problem('%s is not the server whose folder %s is; --plex-url and --plex-home must name the same one'
                      % (server.url, home))
    server.sections()                           # needs a token that works
    return 'Plex Media Server %s' % identity['version']


def describe_token(options):
    """Where the token comes from; of two, the one that is used."""
    given = os.environ.get(native(UNUSED_TOKEN) if native(UNUSED_TOKEN) in os.environ else native('PLEX_TOKEN'))
    if options.token_file:
        return 'from --token-file' + ('; PLEX_TOKEN is set too, and not used' if given else '')
    if given:
        return 'from PLEX_TOKEN'
    import implement_fix
    if not implement_fix.find_token(None, logs.find_plex_home(options.plex_home)):
        raise Problem('the Plex folder holds no token; a server that asks for one gets it by --token-file')
    return "the server's own"


def write_manifest(run_dir, options):
    """run_manifest.md: where the run happened and with what -> sentences on what is missing."""
    rows = look_around(options)
    facts = [('Started', utc_text()), ('Version of the scripts', logs.__version__)] + [
        (what, sentence if found is not None else 'not found: ' + sentence) for what, found, sentence in rows]
    chosen = sorted((name, value) for name, value in vars(options).items() if value is not None and value is not False)
    text = ['# Run %s' % os.path.basename(run_dir), '', '## Where', ''] + table(('What', 'Found'), facts, True) + [
        '', '## Options', ''] + table(('Option', 'Value'), chosen, True)
    write_file(os.path.join(run_dir, 'run_manifest.md'), logs.redact('\n'.join(text), keep_paths=True) + '\n')
    return [sentence for what, found, sentence in rows if found is False]


def require_plex(options):
    """The Plex folder, or a Problem that names the two ways on."""
    try:
        return logs.find_plex_home(options.plex_home)
    except Problem as problem:
        raise Problem('%s; or try --demo, which needs no Plex' % problem.sentence.rstrip('.'))


# ------------------------------------------------------------------------------------------------------------ the modes
def check(options):
    """--check: what is found here, line by line; 4 when something that a run needs is missing."""
    rows = look_around(options)
    complete = all(found is not False for _, found, _ in rows)
    if options.json:
        say_as_json({'complete': complete}, rows=[dict(zip(('what', 'found', 'sentence'), row)) for row in rows])
    for what, found, sentence in () if options.json or options.quiet and complete else rows:
        lines = wrapped('%-8s %-16s ' % ({True: 'found', False: 'MISSING', None: 'without'}[found], what), sentence)
        for line in lines:
            say(line)
    return DONE if complete else NO_ENVIRONMENT


def dry_run(session):
    """Aggregate, diagnose, and show the best patch; touches nothing outside the run directory."""
    from diagnose_from_report import find_bundles
    options, run_dir, tell = session.options, session.run_dir, say if not session.options.json else lambda words: None
    session.state['iteration'] = 1
    for path in session.earlier:
        _, rows, sentences = read_earlier(path)
        session.past += rows
        session.troubles += sentences
    session.troubles += write_manifest(run_dir, options)        # no obstacle yet, but a run would end at it
    session.state.update(dry_run=True, unseen=not find_bundles(os.path.join(options.plex_home, 'Plug-ins')))
    if not session.state['unseen']:
        session.compare_with_the_files(undo=False)
    for row in latest_by_fix(session.past).values():
        if row.get('to_undo'):
            tell('\n'.join(wrapped('', 'Fix %s of run %s is still in place; a run takes it out first, and may then '
                                       'find another patch than this one.' % (row['id'], row['home_run']))))
    try:
        diagnosis = session.look(1)
        session.remember_refusals(diagnosis)
        choice = choose_fix(diagnosis, session.quiet_patterns(diagnosis), set(), options.pattern)
        if choice:
            code, out, words = session.phase('implement_fix.py', choice[1]['id'], '--dry-run', '--iteration', 1,
                                             where=('plex_home', 'python27'), accept=(DONE, UNSAFE))
            tell(out.rstrip('\n') if code == DONE else 'Fix %s cannot be tried: %s' % (choice[1]['id'], words))
        else:
            session.look_for_the_pattern(diagnosis)
            tell('\n'.join(['No pattern has a fix to try.'] + sum((
                wrapped('person: ', sentence) for sentence in session.troubles), [])))
    except PhaseFailed as failure:
        session.save(ended='failed', phase='done')
        raise failure.as_problem()
    session.save(ended='no_fix_left' if choice is None else 'iterations', phase='done')
    session.write_lessons()
    tell('Read: %s' % os.path.join(run_dir, 'diagnostic_report.md'))
    if options.json:
        say_as_json(read_json(lessons_path(run_dir), LESSONS_SCHEMA, 'loop_coordinator.py'), run_dir=run_dir,
                    fix=choice and choice[1]['id'])
    return DONE


def say_as_json(document, **more):
    import json
    say(json.dumps(dict(document, **more), sort_keys=True, indent=2, separators=(',', ': ')))


def loop(options, runs):
    """One session under the lock; prints the summary."""
    if not os.path.isdir(runs):
        try:
            os.makedirs(runs)
        except OSError as problem:
            raise Problem('the folder %s for run directories cannot be made (%s); name another with --runs'
                          % (runs, problem.strerror), NO_ENVIRONMENT)
    from implement_fix import FolderLock, bring_back, remember
    with Lock(runs), FolderLock(options.plex_home):         # two runs on one server would measure each other's fixes
        put_back = bring_back(runs)
        run_dir = new_run_dir(runs)
        session = Session(options, run_dir, runs)
        for sentence in put_back:               # told once, also by cron: whoever deleted it finds it again
            session.note(sentence)
            warn('loop_coordinator.py', sentence)
        if options.dry_run:
            return dry_run(session)
        try:
            try:
                ended = session.run()
            finally:
                for path in session.earlier + [run_dir]:
                    remember(path)
        except (IOError, OSError):
            if os.path.isdir(run_dir):
                raise
            raise Problem('%s was taken away while the run was at work; put it back if you can, and start another run, '
                          'which cleans up after this one' % run_dir, NO_ENVIRONMENT)
        lessons = read_json(lessons_path(run_dir), LESSONS_SCHEMA, 'loop_coordinator.py')
        if options.json:
            say_as_json(lessons, run_dir=run_dir)
        elif not options.quiet or ended == 'failed' or session.has_news():
            for line in summary_lines(session.state, lessons, run_dir):
                say(line)
    return DONE


def demo(options):
    """--demo: the same loop on a simulated Plex in a throw-away folder; the run directory stays for reading."""
    import shutil
    import tempfile
    sys.path.append(os.path.join(SCRIPTS, 'tests'))
    from plex_simulator import start_simulator
    folder = logs.to_text(tempfile.mkdtemp(prefix='plex-loop-demo-'))
    root = os.path.join(folder, 'simulated Plex')
    os.environ.pop(native('PLEX_TOKEN'), None)              # a real server's token has no business in a demo
    try:
        with start_simulator(root, 'demo', max_seconds=600) as plex:
            options.plex_home, options.plex_url, options.token_file = plex.plex_home, plex.url, None
            options.pause, options.concurrency, options.timeout = 0, 3, 20
            options.iterations, options.runs = min(options.iterations, 4), os.path.join(folder, 'runs')
            return loop(options, options.runs)
    finally:
        shutil.rmtree(root, ignore_errors=True)


# -------------------------------------------------------------------------------------------------------- command line
def build_parser():
    parser = parser_for(__doc__, 'loop_coordinator.py')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--demo', action='store_true', help='run the loop on a simulated Plex in a throw-away folder')
    mode.add_argument('--check', action='store_true', help='say what is found here, and what is not')
    add_shared_options(parser, '--plex-home', '--plex-url', '--token-file', '--python27', '--dry-run', '--quiet',
                       '--json')
    parser.add_argument('--runs', metavar='DIR', default=logs.RUNS,
                        help='where run directories are kept (default: runs/)')
    parser.add_argument('--since', metavar='WHEN', default='7d', help='look at the logs from here on (default: 7d)')
    parser.add_argument('--iterations', metavar='N', type=int, default=5, help='new fixes to try at most (default: 5)')
    parser.add_argument('--adopt', metavar='PATCH', help="try this patch of a person's own (with --pattern)")
    parser.add_argument('--pattern', metavar='ID', help='work on this pattern only, as the diagnostic report names it')
    parser.add_argument('--goal', metavar='PERCENT', type=float, default=95,
                        help='stop when kept fixes cover this share of the items hit by code defects (default: 95)')
    parser.add_argument('--items', metavar='N', type=int, default=20, help='failing items in a test (default: 20)')
    parser.add_argument('--healthy', metavar='N', type=int, default=5, help='healthy items beside them (default: 5)')
    parser.add_argument('--concurrency', metavar='N', type=int, default=2, help='refreshes at a time (default: 2)')
    parser.add_argument('--pause', metavar='SECONDS', type=float, default=2, help='between refreshes (default: 2)')
    parser.add_argument('--timeout', metavar='SECONDS', type=float, default=120, help='for one refresh (default: 120)')
    return parser


def run(options):
    if options.iterations < 0 or options.goal != options.goal:
        raise Problem('--iterations counts from 0, and --goal is a number', logs.USAGE)
    from test_fix_actively import check_amounts
    check_amounts(options)
    logs.moment_of(options.since)               # before anything is begun
    if options.adopt and not options.pattern:
        raise Problem('--adopt needs --pattern, the pattern that the patch is for', logs.USAGE)
    if options.adopt and not os.path.isfile(options.adopt):         # before earlier fixes are tested again for nothing
        raise Problem('there is no file %s; name the patch with --adopt' % options.adopt)
    if options.check:
        return check(options)
    if options.demo:
        return demo(options)
    options.plex_home = require_plex(options)
    if options.token_file:                      # the phases that only read logs have to know what to hide
        import implement_fix
        os.environ.setdefault(native(UNUSED_TOKEN), os.environ.get(native('PLEX_TOKEN'), native('')))
        os.environ[native('PLEX_TOKEN')] = native(implement_fix.find_token(options.token_file, None))
    return loop(options, os.path.abspath(options.runs))


def main(argv=None):
    return run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
