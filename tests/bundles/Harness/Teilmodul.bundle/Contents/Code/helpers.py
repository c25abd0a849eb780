def join_names(names): return ' & '.join(names)
