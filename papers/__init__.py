"""What people read besides web pages: mails, invoices, translations. Knows `booking.values`; no web, no database."""
