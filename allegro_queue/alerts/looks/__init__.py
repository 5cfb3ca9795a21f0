"""What each rule looks for: the facts, its threshold and the least number that counts, to what is wrong, in words. Pure."""
