"""Sound on its way to a session: taken in, kept until it is recognised."""
