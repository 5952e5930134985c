"""Events out: the forms that results take, the places where they go and what a person sees meanwhile."""
