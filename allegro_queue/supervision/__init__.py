"""Processes that live and die: master, supervisors, pools. Has children and knows no job; what a child does is handed in."""
