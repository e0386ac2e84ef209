"""Models made elsewhere: their graphs are brought into the form that is served, checked, and published."""
