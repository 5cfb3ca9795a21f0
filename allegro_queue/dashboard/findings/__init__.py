"""What is not as it should be, one kind a module; ``verdict`` puts them together into the overview's answer."""
