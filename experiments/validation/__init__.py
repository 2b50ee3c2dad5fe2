"""Published yardsticks: what others measured, beside what this program gives in a set-up like theirs."""
