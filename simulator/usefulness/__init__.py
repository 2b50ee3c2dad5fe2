"""What an archive is good for: how often a sought car is found, and how often a wrong one."""
