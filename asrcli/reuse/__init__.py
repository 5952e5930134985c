"""How much a kept connection saves: tasks on new and on kept connections, measured side by side."""
