Creator "NetworkX & others"
# a comment with [ and "
graph [
  directed 0
  node [
    id 0
    label "Montr&#233;al"
    graphics [ id 77 x 0.5 y -1e3 Image [ Type "URL" ] ]
  ]
  node [ id 1 label "B" host_bandwidth_up "100 Mbit" ]
  node [
    id 2
    label "a label
of two lines"
  ]
  edge [ source 0 target 1 latency "10 ms" packet_loss 0.0 ]
  edge [ source 1 target 2 latency_ms 2.5 weight 3 ]
  edge [ source 1 target 1 latency "1 ms" ]
]
