"""The SQLite export: the tables of PeaTMOSS, with tables and views of our own, whose names begin with `ptm_`.

`database` fills them in order; each of the other modules has the rows of one subject. Queries that many
people need are views, in `views`.
"""
