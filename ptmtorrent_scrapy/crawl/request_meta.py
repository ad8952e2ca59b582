"""Names of what requests carry in `meta` for components of this project.

Those of Scrapy and scrapy-playwright are in their documentation:
https://docs.scrapy.org/en/latest/topics/request-response.html#request-meta-special-keys
"""

PATIENT = "is_patient"  # True: the host is waited for when it fails
PAUSE = "pause"  # seconds to wait before the request
AGAIN = "again"  # True: a kept answer does not do, it was no good
SHRINKS = "shrinks"  # True: where the page is too much for the hub, its spider asks for a smaller one
KEPT = "kept"  # the ResumePage that the answer is read from
RATE_LIMITED = "rate_limited"  # how many times the host has answered 429
CACHED_AT = "cache_timestamp"  # when a kept answer came, in seconds of the epoch
