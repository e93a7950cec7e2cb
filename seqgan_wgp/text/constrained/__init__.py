"""Constrained decoding: the best string that satisfies a mask, a regex or an automaton, exactly."""
