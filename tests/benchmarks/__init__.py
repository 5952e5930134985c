"""Benchmarks: `make bench`. Everything is compared with the vendor's SDK or the bare library in the same run."""
