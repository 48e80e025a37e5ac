"""The providers of text: an echo without a model, and another server upstream."""
