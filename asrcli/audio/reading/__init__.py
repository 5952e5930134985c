"""Sound from files and pipes: what they are, and who decodes them."""
