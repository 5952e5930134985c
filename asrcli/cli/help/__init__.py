"""The help of the commands: what it says, as a value, and how it is drawn."""
