"""Attacks that join what names, plates or pseudonyms no longer join; they see views and knowledge only."""
