"""A corpus: which sources it has, who does which of them and when, on this machine or on many."""
