"""Keys in the `meta` of requests for components of this project.

The keys of Scrapy and scrapy-playwright are in their documentation:
https://docs.scrapy.org/en/latest/topics/request-response.html#request-meta-special-keys
"""

PATIENT = "is_patient"  # True: retry with back-off if the host fails
PAUSE = "pause"  # seconds to wait before the request
AGAIN = "again"  # True: do not use the cached answer, which was useless
SHRINKS = "shrinks"  # True: if the page is too large for the hub, its spider requests a smaller one
KEPT = "kept"  # the ResumePage whose copy is the answer
RATE_LIMITED = "rate_limited"  # how many times the host has answered 429
CACHED_AT = "cache_timestamp"  # when a cached answer was received, in seconds of the epoch
