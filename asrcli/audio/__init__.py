"""Sound on its way in: sources, resampling, chunks and their pace."""
