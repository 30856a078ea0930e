"""The answers of models before and under a shift, requested as far as a check needs them."""
