"""One file for each group of routes; `ROUTERS` of `service/app.py` lists them."""
