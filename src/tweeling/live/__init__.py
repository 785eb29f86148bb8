"""The running twin: readings in, cycle by cycle, findings and estimates out."""
