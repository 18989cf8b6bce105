Feature: An employee reads all data of an episode of their own legal entity

  Background:
    Given a token that does not say its client type
    And episode "E" of patient "P" with managing_organization "my legal entity"

  Scenario Outline: named by the request, a list
    When I ask to read every <type> in patient "P" in episode "E"
    Then it is permitted by rule_3

    Examples:
      | type |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |
      | allergy_intolerance |
      | immunization |
      | risk_assessment |
      | device |
      | medication_statement |

  Scenario: named by the request, one record
    When I ask to read observation "O" in patient "P" in episode "E"
    Then it is permitted by rule_3

  Scenario: known of the record
    Given observation "O" of patient "P" with episode "E"
    When I ask to read observation "O" in patient "P"
    Then it is permitted by rule_3

  Scenario: known through its encounter
    Given encounter "C" of patient "P" with episode "E"
    And observation "O" of patient "P" with encounter "C"
    When I ask to read observation "O" in patient "P"
    Then it is permitted by rule_3

  Scenario: known through the encounter of a list
    Given encounter "C" of patient "P" with episode "E"
    When I ask to read every observation in patient "P" in encounter "C"
    Then it is permitted by rule_3

  Scenario: not an episode of another legal entity
    Given episode "F" of patient "P" with managing_organization "another clinic"
    When I ask to read every observation in patient "P" in episode "F"
    Then it is refused as no_rule_matched

  Scenario: not an episode that is unknown
    When I ask to read every observation in patient "P" in episode "G"
    Then it is refused as no_rule_matched

  Scenario: not a list of all of the patient
    When I ask to read every observation in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not a record of another episode in the name of this one
    Given observation "O" of patient "P" with episode "F"
    When I ask to read observation "O" in patient "P" in episode "E"
    Then it is refused as malformed_context

  Scenario: not another patient's record in this episode
    Given observation "O" of patient "Q"
    When I ask to read observation "O" in patient "Q" in episode "E"
    Then it is refused as malformed_context

  Scenario: reading alone
    When I ask to create observation "O" in patient "P" in episode "E"
    Then it is refused as no_rule_matched

  Scenario: not an encounter of another episode in the name of this one
    Given encounter "C" of patient "P" with episode "F"
    When I ask to read every observation in patient "P" in episode "E" in encounter "C"
    Then it is refused as malformed_context

  Scenario: not a report of another encounter in the name of this one
    Given encounter "C" of patient "P" with episode "E"
    And diagnostic_report "D" of patient "P" with encounter "G"
    When I ask to read every observation in patient "P" in encounter "C" in diagnostic_report "D"
    Then it is refused as malformed_context
