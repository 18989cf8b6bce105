Feature: An employee reads what was made in their own legal entity

  Scenario Outline: known by its id
    Given <type> "R" of patient "P" with managing_organization "my legal entity"
    When I ask to read <type> "R" in patient "P"
    Then it is permitted by rule_2

    Examples:
      | type |
      | episode |
      | service_request |
      | diagnostic_report |
      | procedure |

  Scenario Outline: searched for by its managing organization
    When I ask to read every <type> in patient "P" in managing_organization "my legal entity"
    Then it is permitted by rule_2

    Examples:
      | type |
      | episode |
      | service_request |
      | diagnostic_report |
      | procedure |

  Scenario: a service request by its requester
    Given service_request "R" of patient "P" with requester_legal_entity "my legal entity"
    When I ask to read service_request "R" in patient "P"
    Then it is permitted by rule_2

  Scenario: service requests searched for by their requester
    When I ask to read every service_request in patient "P" in requester_legal_entity "my legal entity"
    Then it is permitted by rule_2

  Scenario: nothing else by its requester
    Given procedure "R" of patient "P" with requester_legal_entity "my legal entity"
    When I ask to read procedure "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not made elsewhere
    Given procedure "R" of patient "P" with managing_organization "another clinic"
    When I ask to read procedure "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not made elsewhere, whatever the request claims
    Given procedure "R" of patient "P" with managing_organization "another clinic"
    When I ask to read procedure "R" in patient "P" in managing_organization "my legal entity"
    Then it is refused as no_rule_matched

  Scenario: not a list without that filter
    Given procedure "R" of patient "P" with managing_organization "my legal entity"
    When I ask to read every procedure in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what is unknown
    When I ask to read procedure "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what the rule does not list
    Given encounter "R" of patient "P" with managing_organization "my legal entity"
    When I ask to read encounter "R" in patient "P"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    Given procedure "R" of patient "P" with managing_organization "my legal entity"
    When I ask to <action> procedure "R" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
