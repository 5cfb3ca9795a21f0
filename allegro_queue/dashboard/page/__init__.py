"""What every page is made of: the frame and how it is answered, words, numbers and links."""
