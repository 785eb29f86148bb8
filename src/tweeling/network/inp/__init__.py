"""EPANET INP files in and out."""
