"""The JSON API: the same resources, filters and actions as the pages. Needs ``allegro-queue[api]``."""
