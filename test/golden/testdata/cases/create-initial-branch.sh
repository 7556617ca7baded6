datalad create ds --initial-branch=trunk
