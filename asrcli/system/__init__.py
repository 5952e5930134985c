"""The machine: clock, loop, threads, children, signals, descriptors. Knows no sound."""
