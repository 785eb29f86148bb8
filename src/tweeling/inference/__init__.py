"""What is probably true? Members, the filter that narrows them, and the causes why twin and reality part."""
