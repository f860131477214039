"""The iCalendar codec: values in, bytes out (RFC 5545, 5546, 7986). Pure; standard library only.

A *fragment* is the bytes of all components that share one UID, so that a feed is a join of fragments and a fragment can
be cached by what it was made from. A single event's fragment is one VEVENT; a series' is its master and its overrides.
"""
