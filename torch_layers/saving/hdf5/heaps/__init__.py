"""Where names, texts and messages lie that are too long or too many for their place."""
