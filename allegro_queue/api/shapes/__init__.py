"""What goes in and out, as the API's document has it. Times are Unix seconds."""
