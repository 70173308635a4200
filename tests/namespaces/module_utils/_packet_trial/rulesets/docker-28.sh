# shellcheck shell=sh disable=SC2086 # $host is two words
# What Docker before release 29 has the program iptables do on a host with a container, and a policy that drops.
for version in iptables ip6tables; do
  i=$version-nft
  subnet=172.17.0.0/16 container=172.17.0.2 host=-s\ 198.51.100.21
  if [ $version = ip6tables ]; then subnet=fd00:17::/64 container=fd00:17::2 host=-s\ 2001:db8:2::21; fi
  for chain in DOCKER DOCKER-FORWARD DOCKER-BRIDGE DOCKER-CT DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER
  do $i -N $chain; done
  $i -P FORWARD DROP
  $i -A FORWARD -j DOCKER-USER
  $i -A FORWARD -j DOCKER-FORWARD
  $i -A DOCKER-FORWARD -j DOCKER-CT
  $i -A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
  $i -A DOCKER-FORWARD -j DOCKER-BRIDGE
  $i -A DOCKER-FORWARD -i docker0 -j ACCEPT
  $i -A DOCKER-BRIDGE -o docker0 -j DOCKER
  $i -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $i -A DOCKER ! -i docker0 -o docker0 -p tcp -d $container --dport 80 -j ACCEPT
  $i -A DOCKER ! -i docker0 -o docker0 -j DROP
  $i -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
  $i -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
  $i -A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $i -A DOCKER-USER $host -j ACCEPT
  $i -A DOCKER-USER -p udp -m multiport --dports 3478,40000:49999 -j ACCEPT
  $i -t nat -N DOCKER
  $i -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
  $i -t nat -A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER
  $i -t nat -A POSTROUTING -s $subnet ! -o docker0 -j MASQUERADE
  $i -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination "$(if [ $version = iptables ]; then echo $container:80; else echo "[$container]:80"; fi)"
done
