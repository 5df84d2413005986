def count_params(m): return (0,0)
def print_summary(*a): pass
