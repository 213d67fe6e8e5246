"""NP-hardness instances and the convexity of pre-images, as ReLU networks."""
