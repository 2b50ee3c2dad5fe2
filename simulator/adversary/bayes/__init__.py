"""The Bayesian adversary: where a driver lives and works, from everything that a view holds."""
