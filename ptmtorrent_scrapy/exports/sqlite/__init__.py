"""The SQLite export: the tables of PeaTMOSS, with tables and views of our own, whose names begin with `ptm_`."""
