"""Sound as it is: containers taken apart where a decoder could begin, without decoding anything."""
