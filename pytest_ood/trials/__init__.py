"""What models answer before and under a shift, asked for as far as a check needs it."""
