"""What the user may set: keys, addresses, recognition, models. Sends nothing."""
