rabbitmqctl set_policy dead-letters '^orders\.work$' \
  '{"dead-letter-exchange":"","dead-letter-routing-key":"orders.dead"}' --apply-to queues < /dev/null
