"""reuse-bench: what a kept connection saves. Plan, measurement, figures, report."""
