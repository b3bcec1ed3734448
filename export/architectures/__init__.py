"""The torch modules that carry the weights, one architecture a file, written from the papers."""
