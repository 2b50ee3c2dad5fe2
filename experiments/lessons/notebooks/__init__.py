"""The notebooks; each is a script, too: ``python -m experiments.lessons.notebooks.one_car_one_week``."""
