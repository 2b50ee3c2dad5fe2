"""Who watches those who look: access logs, and what an auditor can find in them."""
