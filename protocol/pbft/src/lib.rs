//! PBFT on the Anthill contract: replicas that agree on an order of requests (Castro and Liskov 1999, 2002).
