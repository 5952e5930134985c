"""Configuration files as defaults of options: what they may say, who outranks whom, where a value comes from."""
