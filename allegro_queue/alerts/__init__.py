"""Who is told, about what: rules over how things stand, what they have found, and the messages that were sent of it."""
