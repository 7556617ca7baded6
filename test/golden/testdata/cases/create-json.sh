datalad -f json create ds
